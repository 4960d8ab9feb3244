"""Regions: each that is kept has one file, and the file is that region's."""

from collections.abc import Collection, Iterator, Mapping

from reconciler.findings import Finding, Place, Stage, rule
from reconciler.model import REGIONS, Region, RegionCode


@rule(
    Stage.MEANING,
    problem="no file declares region {region}, {name}",
    remedy='make the file: reconciler new {region} --write; or take "{region}" out of the setting regions',
)
def region_file_missing(folder: str, kept: Collection[RegionCode], found: Collection[RegionCode]) -> Iterator[Finding]:
    """Every region that this tool keeps has a file.

    A file that is gone is never read as "withdraw all": the region stays as it is.

    Okay:
        clinics: {}
    Flagged:
        file: null
    """
    for code in sorted(set(kept) - set(found)):
        name = REGIONS[code]
        yield region_file_missing.finding(Place(f"{folder}/{code}-….yaml"), region=code, name=name)


@rule(Stage.MEANING, problem="region {region} has a file already", remedy="keep one file for the region")
def region_declared_twice(files: Mapping[RegionCode, Collection[str]]) -> Iterator[Finding]:
    """A region has one file, so that a colleague finds its clinics in one place.

    Okay:
        clinics: {}
    Flagged:
        second_file: 14-vgr.yaml
    """
    for code, paths in files.items():
        first, *others = sorted(paths)
        for path in others:
            yield region_declared_twice.finding(Place(path), region=code, related=(Place(first),))


@rule(
    Stage.MEANING,
    problem="the file's name does not begin with the code of a region",
    remedy="name it NN-name.yaml, such as 14-vastra-gotaland.yaml; NN is one of {codes}",
)
def file_name_without_region(path: str) -> Iterator[Finding]:
    """A region file's name begins with the region's two digits and a hyphen.

    A file that belongs to no region would be passed over, and its clinics with it.

    Okay:
        clinics: {}
    Flagged:
        second_file: gotaland.yaml
    """
    yield file_name_without_region.finding(Place(path), codes=", ".join(REGIONS))


@rule(
    Stage.MEANING,
    relied_on=False,
    problem="region {region} is called {right}, not {value}",
    remedy="write {right}; or is this another region's file?",
)
def region_name_differs(region: Region) -> Iterator[Finding]:
    """The name is the region's official one, so that a reader sees at once whose file it is.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        name: Region Skåne
    """
    right = REGIONS[region.code]
    if region.name != right:
        yield region_name_differs.finding(region.name_place, region=region.code, right=right, value=region.name)

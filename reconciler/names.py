"""What the service calls its tables and their columns. Names and no more: the settings may give others."""

from __future__ import annotations

from typing import NamedTuple


class RegionNames(NamedTuple):
    """What the service calls its table of regions, and the columns that are read and written."""

    table: str = "complaints_region"
    region_code: str = "region_code"
    name: str = "name"
    board_hsa_id: str = "board_hsa_id"
    board_name: str = "board_name"
    updated_at: str = "updated_at"


class ClinicNames(NamedTuple):
    """What the service calls its table of enrolled clinics, and the columns that are read and written."""

    table: str = "complaints_clinic"
    hsa_id: str = "hsa_id"
    region_code: str = "region_code"
    name: str = "name"
    enrolled_at: str = "enrolled_at"
    updated_at: str = "updated_at"


class Names(NamedTuple):
    """The names of the service's tables; a table may be written with its schema, `schema.table`."""

    region: RegionNames = RegionNames()
    clinic: ClinicNames = ClinicNames()

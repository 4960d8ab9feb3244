"""Register and routes: what the e-services and TAK say, each asked once a run, in bulk. Nothing here judges a clinic."""

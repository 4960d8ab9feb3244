"""Register and routes: what the e-services and TAK say, each asked once a run, in bulk. No clinic is judged here."""

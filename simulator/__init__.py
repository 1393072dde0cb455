"""What runs: models, process reward models, samplers and their exact laws."""

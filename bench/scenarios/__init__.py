"""What is measured, one file a scenario: `run(stage) -> results as plain data`."""

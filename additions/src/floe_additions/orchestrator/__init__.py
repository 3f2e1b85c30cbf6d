"""The orchestrator pieces: generated definitions, one asset per model, figures from the catalog."""

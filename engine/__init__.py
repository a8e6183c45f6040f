"""The engine: an event and a bundle to a decision, with the reasons for each measure."""

"""The main job: tables, figures, verdicts, report, and what the paper takes from them."""

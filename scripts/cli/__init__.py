"""The `particlebounds` command: one file a topic; heavy imports happen inside the commands."""

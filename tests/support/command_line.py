"""The command line, called in this process."""

import pytest

from scripts.cli.app import main


def run(capsys, *arguments, code=0):
    """Return stdout and stderr of a command that ends with the exit code."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    assert stop.value.code == code, err
    return out, err

"""``torch.serialization``: switches, checks of versions, and files without data."""

from __future__ import annotations

import pytest

from ..compare import assert_alike
from ..expressions import assert_same_line, lines

LINES = lines("""
S.set_crc32_options(False), S.get_crc32_options(), S.set_crc32_options(True), S.get_crc32_options()
S.check_module_version_greater_or_equal(type('M',(),{'__version__':'1.2.3'}), (1,2,0))
S.check_module_version_greater_or_equal(type('M',(),{'__version__':'1.2.3'}), (1,3,0))
S.check_module_version_greater_or_equal(type('M',(),{'__version__':'abc','__name__':'mm'}), (1,3,0))
S.check_module_version_greater_or_equal(type('M',(),{'__version__':'abc'}), (1,3,0), False)
S.normalize_storage_type(torch.FloatStorage)
S.normalize_storage_type('torch.FloatStorage')
S.validate_hpu_device('hpu:0')
""")


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, lambda t: {"S": t.serialization})


def test_a_file_without_data_has_room_for_it(tmp_path):
    def size(t):
        path = tmp_path / t.__name__
        with t.serialization.skip_data():
            t.save({"a": t.ones(1000)}, path)
        return path.stat().st_size > 4000, t.load(path)["a"].shape

    assert_alike(size)


def test_what_is_read_in_that_mode_has_the_shape(tmp_path):
    def read(t):
        path = tmp_path / f"{t.__name__}.pt"
        t.save(t.ones(3), path)
        with t.serialization.skip_data():
            return t.load(path).shape

    assert_alike(read)

import math
import unittest

from algorithm import Changes


class ChangesTest(unittest.TestCase):
    def test_a_change_is_since_the_row_before_and_a_missing_value_is_none(self):
        changes = Changes(1)
        steps = [changes.step([value]) for value in (5.0, 7.0, math.nan, 6.0)]
        self.assertEqual(steps, [([5.0], [0.0]), ([7.0], [2.0]), ([7.0], [0.0]), ([6.0], [-1.0])])


if __name__ == "__main__":
    unittest.main()

import math
import unittest

from algorithm import Normal


class NormalTest(unittest.TestCase):
    def test_after_training_a_row_unlike_the_normal_ones_stands_out(self):
        normal = Normal(1, 0.5)
        for _ in range(20):
            normal.learn([[1.0], [1.2], [0.8], [1.0], [math.nan]])
        self.assertGreater(normal.score([9.0]), 10 * normal.score([1.1]))

    def test_a_missing_value_does_not_count(self):
        self.assertEqual(Normal(1, 0.5).score([math.nan]), 0.0)


if __name__ == "__main__":
    unittest.main()

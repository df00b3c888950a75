import math
import unittest

from algorithm import Surprise


class SurpriseTest(unittest.TestCase):
    def test_a_row_unlike_those_before_it_stands_out(self):
        surprise = Surprise(1, 200.0)
        scores = [surprise.score([value]) for value in (1.0, 1.2, 0.8, 1.0, 1.1, 9.0)]
        self.assertGreater(scores[5], 10 * scores[4])

    def test_a_missing_value_says_nothing_and_is_not_learnt(self):
        surprise = Surprise(1, 200.0)
        surprise.score([1.0])
        before = {name: list(values) for name, values in surprise.save().items()}
        self.assertEqual(surprise.score([math.nan]), 0.0)
        self.assertEqual(surprise.save(), before)


if __name__ == "__main__":
    unittest.main()

"""Random cases in the golden format, one module a family: make(rng, context) returns a description and tensors.

The same checkers judge them that judge the recorded cases.
"""

"""What PyTorch does in one run of a row."""


class Job:
    def run(self):
        """Does the work once; returns the numbers that the sides are compared by, a tensor or several by name."""
        raise NotImplementedError

    def compile(self):
        """Replaces the expensive part by torch.compile's."""
        raise NotImplementedError(f"{type(self).__name__} has no compiled side")

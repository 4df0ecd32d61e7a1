"""Learning-rate schedules: pure functions of the position in the run."""


def constant_then_linear(unit: int, constant: int, decay: int) -> float:
    """Return the factor on the learning rate in unit `unit`, which counts from 1: an epoch, or a step.

    1 for `constant` units, then falling linearly over `decay` units; the last one is 1 / (decay + 1), never 0. With
    epochs as units and 100 + 100 of them this is the schedule of the official CycleGAN code.
    """
    return 1.0 - max(0, unit - constant) / (decay + 1)

from itertools import product

from study.plan.seeds import derive_seed

ROLES = ("split", "proposals", "search", "confirm", "baseline")


def test_no_two_roles_replicates_numbers_or_neighbouring_studies_share_a_seed() -> None:
    places = list(product(range(5), ROLES, range(12), range(5)))
    seeds = [derive_seed(*place) for place in places]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_seed_is_the_same_for_good() -> None:
    """Studies are extended years later: what a seed is derived from must not change."""
    assert derive_seed(0, "search", 0) == derive_seed(0, "search") == 292195044

"""Batches shared among processes."""

from training.stream import share_of


def test_processes_share_every_batch_without_drawing_a_sample_twice() -> None:
    batch, ranks, steps = 12, 3, 4
    mine = batch // ranks

    drawn = [[share_of(n, batch, rank, ranks) for n in range(steps * mine)] for rank in range(ranks)]

    for step in range(steps):
        together = [n for each in drawn for n in each[step * mine : (step + 1) * mine]]
        assert sorted(together) == list(range(step * batch, (step + 1) * batch))


def test_one_process_draws_them_in_order() -> None:
    assert [share_of(n, 8, 0, 1) for n in range(20)] == list(range(20))

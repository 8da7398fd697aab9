"""The pollers keep within the limits, people's commands are counted and never held up."""

from commands.coordinator.budget import DEFAULT_HOLD, LONGEST_WAIT, ReadBudget


def test_a_fresh_budget_lets_the_first_poll_go():
    assert ReadBudget().wait("/status", 0.0) == 0


def test_sixty_a_minute_to_one_endpoint_then_wait_for_the_oldest_to_leave_the_window():
    budget = ReadBudget()
    for second in range(60):
        assert budget.wait("/status", second * 0.5) == 0
        budget.record("/status", second * 0.5)
    assert budget.wait("/status", 30.0) == 30.0
    assert budget.wait("/health", 30.0) == 0
    assert budget.wait("/status", 60.0) == 0


def test_a_hundred_of_the_hour_are_left_to_commands():
    budget = ReadBudget()
    for second in range(500):
        assert budget.wait("/status", second * 2.0) == 0
        budget.record("/status", second * 2.0)
    # 500 of 600 are spent at 998 s; the first leaves the window at 3600 s, yet nobody is blind for longer than a minute
    assert budget.wait("/status", 1000.0) == 998.0 + LONGEST_WAIT - 1000.0
    assert budget.wait("/status", 998.0 + LONGEST_WAIT) == 0


def test_the_hour_slides():
    budget = ReadBudget(per_minute=1000, per_hour=12, reserve=2)
    for _ in range(10):
        budget.record("/status", 0.0)
    budget.record("/status", 3590.0)
    assert budget.wait("/status", 3590.0) == 10.0
    assert budget.wait("/status", 3600.0) == 0


def test_a_429_holds_the_pollers_for_as_long_as_it_says_or_for_five_seconds():
    budget = ReadBudget()
    budget.record("/status", 0.0)
    budget.hold(None, 0.0)
    assert budget.wait("/status", 0.0) == DEFAULT_HOLD
    budget.hold(20.0, 0.0)
    budget.hold(1.0, 0.0)
    assert budget.wait("/status", 5.0) == 15.0


def test_no_far_end_can_keep_us_blind_for_longer_than_a_minute():
    budget = ReadBudget()
    budget.record("/status", 0.0)
    budget.hold(1e12, 0.0)
    assert budget.wait("/status", 0.0) == LONGEST_WAIT



def test_a_branch_may_call_the_function_of_its_sibling():
    """A function is only skipped where it is open above, not where it waits for its turn."""
    assert paths(graph("i:If@then.f@else.g", f="c:Call@g", g="x:Add")) == ["i", "i/then/c", "i/then/c/x", "i/else/x"]

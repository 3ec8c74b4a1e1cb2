"""Who gets which vacancy: preference lists, deferred acceptance, the planner's optimum, greedy, and what is stable."""

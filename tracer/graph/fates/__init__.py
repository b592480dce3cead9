"""What became of each node of a traced graph in the optimised one: see `tracer.graph.stage_map`."""

"""The paper's tables and figures as recipes: what to run, at which scale, beside which numbers."""

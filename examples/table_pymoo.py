"""pymoo's NSGA-II on a table: python examples/table_pymoo.py [TABLE.json]."""

import sys

from pymoo.algorithms.moo.nsga2 import RankAndCrowdingSurvival
from pymoo.core.mixed import MixedVariableGA
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.variable import Choice
from pymoo.optimize import minimize

from autosnn_nni.table import Table

table = Table(sys.argv[1] if len(sys.argv) > 1 else "SNN_1/fashion14")


class _Search(ElementwiseProblem):  # by accuracy and spikes on D_val
    def _evaluate(self, x: dict[str, str], out: dict[str, list[float]]) -> None:
        found = table.query([x[place] for place in places], seed=0).val
        out["F"] = [-found.accuracy, found.spikes]


places = {f"tbd{n}": Choice(options=names) for n, names in enumerate(table.choices, start=1)}
algorithm = MixedVariableGA(pop_size=20, survival=RankAndCrowdingSurvival())
found = minimize(_Search(vars=places, n_obj=2), algorithm, ("n_evals", 200), seed=0)
for x, (accuracy, spikes) in zip(found.X, found.F, strict=True):
    print(f"{-accuracy:.4f} {spikes:,.0f}", *(x[place] for place in places))

"""Cases: possible steps, their effect on a case, conditions for refusing a step, and links between cases."""

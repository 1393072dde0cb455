"""The contract under the name that README had for it; see `simulator.samplers.contract`."""

from simulator.samplers.contract import CONTRACT, contract_problems

__all__ = ["CONTRACT", "contract_problems"]

"""By which number the compiled code knows each resampling scheme."""

__all__ = [
    "KILLING",
    "MULTINOMIAL",
    "MULTINOMIAL_SWEEP",
    "RESIDUAL",
    "SINGLE",
    "SSP",
    "STRATIFIED",
    "SYSTEMATIC",
]

MULTINOMIAL, SYSTEMATIC, STRATIFIED, RESIDUAL, SSP, KILLING, SINGLE, MULTINOMIAL_SWEEP = range(8)

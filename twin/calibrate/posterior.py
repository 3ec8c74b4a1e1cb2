"""What measured figures tell about parameters: a quadratic answer of the model, and Bayes' rule over the ranges.

The runs over the ranges give each figure as a quadratic function of the parameters (Box and Wilson 1951) with a
residual covariance: the model's own chance, and what a quadratic misses. The posterior is that of uniform parameters
under a normal likelihood with this covariance and the measurement's, weighed on a Sobol sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, qmc

DRAWS_LOG2 = 13
PRIOR_SD = 12**-0.5  # of a uniform share of a range


@dataclass(frozen=True)
class Answer:
    """Figures as quadratic functions of shares of the ranges, fitted to n runs."""

    coefficients: np.ndarray  # (terms, figures)
    inverse: np.ndarray  # (terms, terms), of the runs' terms: what an unseen point adds to the variance
    residual: np.ndarray  # (figures, figures), covariance of what the function does not say
    explained: np.ndarray  # (figures,), share of the variance over the runs

    def at(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Figures and their covariances at shares (n, parameters): shapes (n, figures), (n, figures, figures)."""
        terms = _terms(shares)
        leverage = np.einsum("ij,jk,ik->i", terms, self.inverse, terms)
        return terms @ self.coefficients, (1 + leverage)[:, None, None] * self.residual


@dataclass(frozen=True)
class Posterior:
    """Draws of the ranges with their weights, and how well the best of them fits."""

    shares: np.ndarray  # (draws, parameters)
    weights: np.ndarray  # (draws,), sum 1
    misfit: float  # probability of data at least as far from the best draw; nan where nothing is left to judge by

    def quantiles(self, which: tuple[float, ...]) -> np.ndarray:
        """Marginal quantiles of the shares, shape (quantiles, parameters)."""
        found = []
        for column in self.shares.T:
            order = np.argsort(column)
            found.append(np.interp(which, np.cumsum(self.weights[order]), column[order]))
        return np.array(found).T

    @property
    def covariance(self) -> np.ndarray:
        """Of the shares, (parameters, parameters)."""
        centred = self.shares - self.weights @ self.shares
        spread: np.ndarray = (centred * self.weights[:, None]).T @ centred
        return spread

    @property
    def learned(self) -> np.ndarray:
        """By how much the spread of each parameter shrank from its range's, 0 to 1, shape (parameters,)."""
        return np.clip(1 - np.sqrt(np.diag(self.covariance)) / PRIOR_SD, 0, 1)

    @property
    def correlation(self) -> np.ndarray:
        """Of the parameters, (parameters, parameters): near ±1 the data tell a combination of two, not each."""
        sd = np.sqrt(np.diag(self.covariance))
        between: np.ndarray = self.covariance / np.outer(sd, sd)
        return between

    @property
    def draws_that_count(self) -> float:
        """Kish's effective number of draws."""
        return float(1 / np.sum(self.weights**2))


def fit(shares: np.ndarray, figures: np.ndarray) -> Answer:
    """The answer of runs at shares (n, parameters) with figures (n, figures). Raises ValueError for too few runs."""
    terms = _terms(shares)
    free = len(terms) - terms.shape[1]
    if free < figures.shape[1]:
        raise ValueError(f"{len(terms)} runs are too few for {terms.shape[1]} terms and {figures.shape[1]} figures")
    coefficients = np.linalg.lstsq(terms, figures, rcond=None)[0]
    left = figures - terms @ coefficients
    spread = figures.var(axis=0)
    explained = 1 - np.divide(left.var(axis=0), spread, out=np.ones_like(spread), where=spread > 0)
    return Answer(coefficients, np.linalg.pinv(terms.T @ terms), left.T @ left / free, explained)


def posterior(answer: Answer, measured: np.ndarray, sd: np.ndarray, seed: int = 1) -> Posterior:
    """What `measured` figures (figures,) with a measurement's `sd` (figures,) tell about the parameters."""
    terms = len(answer.coefficients)
    parameters = round((np.sqrt(8 * terms + 1) - 3) / 2)
    shares = qmc.Sobol(parameters, rng=seed).random_base2(DRAWS_LOG2)
    figures, covariance = answer.at(shares)
    covariance = covariance + np.diag(sd**2)
    off = measured - figures
    distance = np.einsum("ij,ij->i", off, np.linalg.solve(covariance, off[:, :, None])[:, :, 0])
    log = -(distance + np.linalg.slogdet(covariance)[1]) / 2
    weights = np.exp(log - log.max())
    left = len(measured) - parameters
    misfit = float(chi2.sf(distance.min(), left)) if left > 0 else float("nan")
    return Posterior(shares, weights / weights.sum(), misfit)


def _terms(shares: np.ndarray) -> np.ndarray:
    """1, the parameters, and all products of two of them, shape (n, terms)."""
    first, second = np.triu_indices(shares.shape[1])
    return np.hstack([np.ones((len(shares), 1)), shares, shares[:, first] * shares[:, second]])

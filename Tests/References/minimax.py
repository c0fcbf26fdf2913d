"""Derives the constants of exp and tanh in Sources/SIMDKernels/VectorMath.swift.

    python3 Tests/References/minimax.py

needs mpmath (1.3.0). The polynomials are minimax in the relative error of the function, by Remez's
exchange, and are then rounded to fp32, coefficient by coefficient:

    e^r    = 1 + r (1 + r P(r))     for |r| up to ln 2 / 2 and a margin of 0.00013
    tanh a = a + a^3 P(a^2)         for a from 0 to 0.64; used below 0.625

The constants are part of the numeric contract: they stay whatever this script finds. It prints how
far each constant, read from the Swift source, is from the derived one, and the largest relative
error that both polynomials leave in exact arithmetic. Those of exp come out bit for bit. The
exchange that first gave those of tanh looked for the extrema on a grid: its last two coefficients
differ by 5 and 20 units in the last place, and leave an error no larger than the derived ones do
(1.00e-8 to 1.01e-8; without rounding 5.7e-9 could be had, a tenth of an fp32 rounding).

Exit status: 0 where exp agrees to the bit and tanh to the distance above; 1 otherwise.
"""

import pathlib
import re
import struct
import sys

import mpmath as mp

mp.mp.prec = 160
SOURCE = pathlib.Path(__file__).parents[2] / "Sources/SIMDKernels/VectorMath.swift"


def rounded(x):
    """The nearest fp32 number, by way of the nearest double."""
    return struct.unpack("<f", struct.pack("<f", float(x)))[0]


def steps(x, y):
    """Units in the last place from y to x, of the same sign."""
    x, y = (struct.unpack("<i", struct.pack("<f", v))[0] for v in (x, y))
    return x - y


def polynomial(coefficients, x):
    return mp.polyval(coefficients[::-1], x)


def largest(error, low, high, count=400):
    """Places of the local extrema of `error`, each by golden section between grid points."""
    grid = [low + (high - low) * mp.mpf(i) / count for i in range(count + 1)]
    sizes = [abs(error(x)) for x in grid]
    places = []
    for i in range(count + 1):
        before = sizes[i - 1] if i > 0 else -1
        after = sizes[i + 1] if i < count else -1
        if sizes[i] < before or sizes[i] < after:
            continue
        a, b = grid[max(0, i - 1)], grid[min(count, i + 1)]
        ratio = (mp.sqrt(5) - 1) / 2
        for _ in range(60):
            c, d = b - ratio * (b - a), a + ratio * (b - a)
            if abs(error(c)) > abs(error(d)):
                b = d
            else:
                a = c
        places.append(max((grid[i], (a + b) / 2), key=lambda x: abs(error(x))))
    return places


def exchange(function, weight, low, high, degree):
    """The polynomial P of least max |weight (function - P)| over [low, high], and that maximum."""
    count = degree + 2
    middle, radius = (low + high) / 2, (high - low) / 2
    points = [
        middle - radius * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    while True:
        matrix, values = mp.matrix(count, count), mp.matrix(count, 1)
        for i, x in enumerate(points):
            for k in range(degree + 1):
                matrix[i, k] = x**k
            matrix[i, degree + 1] = (-1) ** i / weight(x)
            values[i] = function(x)
        solution = mp.lu_solve(matrix, values)
        coefficients = [solution[k] for k in range(degree + 1)]
        level = abs(solution[degree + 1])
        error = lambda x: weight(x) * (function(x) - polynomial(coefficients, x))
        points = [x for x in largest(error, low, high) if abs(error(x)) > level / 4]
        while len(points) > count:
            points.pop(0 if abs(error(points[0])) < abs(error(points[-1])) else -1)
        assert len(points) == count, f"{len(points)} extrema, expected {count}"
        most = max(abs(error(x)) for x in points)
        if most / level - 1 < 1e-12:
            return coefficients, most


def constants(function):
    """The polynomial's coefficients in the Swift function, in ascending order."""
    body = SOURCE.read_text().split(f"func {function}(")[1].split("\n}")[0]
    lines = [line for line in body.split("\n") if re.match(r" *(var )?p = multiplyAdd", line)]
    found = [text for line in lines for text in re.findall(r"lanes\((-?[0-9][0-9_.e-]*)\)", line)]
    numbers = [rounded(float(text.replace("_", ""))) for text in found]
    return numbers[4::-1]


def compare(name, function, weight, low, high, least, allowed):
    """Prints what was derived beside what stands; whether all is within `allowed` units."""
    derived, bound = exchange(function, weight, low, high, 4)
    derived = [rounded(c) for c in derived]
    standing = constants(name)
    print(name)
    agree = True
    for power, (new, old) in enumerate(zip(derived, standing)):
        distance = steps(new, old)
        agree = agree and abs(distance) <= allowed[power]
        print(f"  c{power}  stands {old:.9g}  derived {new:.9g}  distance {distance}")
    print(f"  the exact minimax polynomial      {float(bound):.4g}")
    for label, numbers in (("derived, rounded", derived), ("standing", standing)):
        error = lambda x: weight(x) * (function(x) - polynomial(numbers, x))
        most = max(abs(error(x)) for x in largest(error, least, high))
        print(f"  {label:32}  {float(most):.6g} relative error")
    return agree


def exp_rest(r):
    return (mp.expm1(r) - r) / r**2 if abs(r) > 1e-8 else mp.mpf(1) / 2 + r / 6


def tanh_rest(u):
    a = mp.sqrt(u)
    return (mp.tanh(a) - a) / a**3 if u > 1e-10 else 2 * u / 15 - mp.mpf(1) / 3


def main():
    tiny = mp.mpf(10) ** -30
    reach = mp.log(2) / 2 + mp.mpf("0.00013")
    exp = compare(
        "exponential", exp_rest, lambda r: (r * r + tiny) / mp.exp(r), -reach, reach, -reach,
        [0] * 5)
    end = mp.mpf("0.64") ** 2
    tanh = compare(
        "hyperbolicTangent", tanh_rest,
        lambda u: u * mp.sqrt(u) / mp.tanh(mp.sqrt(u)) if u > 0 else tiny, mp.mpf(0), end,
        mp.mpf(0), [0, 0, 0, 5, 20])
    # n ln 2 in two parts: the first has 16 bits, so that its product with n, of 8, is exact.
    high = rounded(mp.floor(mp.log(2) * 2**16) / 2**16)
    low = rounded(mp.log(2) - mp.mpf(high))
    body = SOURCE.read_text()
    print(f"ln 2 = {high:.9g} + {low:.9g}")
    split = []
    for text in ("-0.693_145_752", "-1.428_606_77e-6", "1.442_695_041"):
        assert f"lanes({text})" in body, f"{text} does not stand in {SOURCE.name}"
        split.append(rounded(float(text.replace("_", ""))))
    parts = split == [-high, -low, rounded(1 / mp.log(2))]
    print(f"the parts of ln 2 and log2 e {'agree' if parts else 'DIFFER'}")
    return 0 if exp and tanh and parts else 1


if __name__ == "__main__":
    sys.exit(main())

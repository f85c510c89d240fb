#!/usr/bin/env python3
"""Writes Sources/Datasets/Digits+Data.swift from scikit-learn's copy of the UCI digits (CC BY 4.0).

Usage: pip download --no-deps scikit-learn, take sklearn/datasets/data/digits.csv.gz out of the wheel, then
       embed_digits.py digits.csv.gz > Sources/Datasets/Digits+Data.swift

Pixel-major order (all images' first pixel, then all second pixels, …), then the labels; zlib with its filtered strategy; base64.
"""

import base64
import gzip
import sys
import zlib

with gzip.open(sys.argv[1], "rt") as file:
    rows = [[int(float(value)) for value in line.split(",")] for line in file]
assert len(rows) == 1797 and all(len(row) == 65 and 0 <= min(row) and max(row) <= 16 for row in rows)
columns = bytes(row[i] for i in range(65) for row in rows)
compressor = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
text = base64.b64encode(compressor.compress(columns) + compressor.flush()).decode()

print("// Made by Tests/Reference/embed_digits.py; UCI optical digits, E. Alpaydin and C. Kaynak, CC BY 4.0: base64 of zlib of 65 columns of 1,797.")
print("extension Digits {")
print('  static let encoded = """')
for start in range(0, len(text), 135):
    print("    " + text[start : start + 135] + ("\\" if start + 135 < len(text) else ""))
print('    """')
print("}")

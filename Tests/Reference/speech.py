"""Makes speech.json: a clip of half a second, and what torchaudio makes of it.

  python3 speech.py      needs torch and torchaudio (2.11.0), and numpy

The clip is base64 of 16-bit samples: a sweep, a hum and noise, loud and soft, with silence at the end. Features are base64 of float32
[40][101], of the clip with zeros up to a second.
"""

import base64
import json
import pathlib

import numpy
import torch
import torchaudio

time = numpy.arange(8000) / 16000
generator = numpy.random.default_rng(3)
sweep = numpy.sin(2 * numpy.pi * (200 * time + 6000 * time**2)) * numpy.exp(-4 * time)
hum = 0.05 * numpy.sin(2 * numpy.pi * 120 * time)
samples = numpy.round(20000 * (sweep + hum + 0.002 * generator.standard_normal(8000))).astype("<i2")
samples[7000:] = 0
wave = torch.zeros(1, 16000)
wave[0, :8000] = torch.from_numpy(samples.astype(numpy.float32)) / 32768
settings = {"n_fft": 400, "win_length": 400, "hop_length": 160, "n_mels": 40, "f_min": 0.0, "f_max": 8000.0, "power": 2.0, "center": True,
            "pad_mode": "reflect", "mel_scale": "htk"}
mel = torchaudio.transforms.MelSpectrogram(16000, **settings)(wave)
mfcc = torchaudio.transforms.MFCC(16000, n_mfcc=40, dct_type=2, norm="ortho", log_mels=True, melkwargs=settings)(wave)


def text(values):
    return base64.b64encode(values.tobytes()).decode()


path = pathlib.Path(__file__).with_name("speech.json")
path.write_text(json.dumps({
    "samples": text(samples), "log-mel": text(torch.log(mel + 1e-6)[0].contiguous().numpy().astype("<f4")),
    "mfcc": text(mfcc[0].contiguous().numpy().astype("<f4")),
}, indent=1) + "\n")
print(torchaudio.__version__, mel.shape, path.stat().st_size)

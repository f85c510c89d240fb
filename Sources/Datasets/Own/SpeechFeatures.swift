internal import Foundation
internal import Torch

/// Features of clips of one second at 16 kHz, as torchaudio computes them: 101 frames of 40 numbers.
enum SpeechFeatures: String, Sendable {
  /// ln(m + 10⁻⁶) of 40 mel bands m (HTK's scale, 0 to 8 kHz) of the power spectrum.
  case logMel = "log-mel"
  /// The orthonormal DCT-II of those over the bands.
  case mfcc

  static let rate = 16_000
  static let (bands, frames, window, hop) = (40, 101, 400, 160)
  /// One grey image a clip.
  static let shape = [1, bands, frames]

  /// Computes the features of clips, [clips, bands, frames] in row-major order.
  ///
  /// - Parameter clips: samples of each, of any number: cut, or filled with zeros, to a second.
  func of(_ clips: [[Float]]) throws -> [Float] {
    let (window, hop, frames, bands) = (Self.window, Self.hop, Self.frames, Self.bands)
    var windowed: [Double] = []
    windowed.reserveCapacity(clips.count * frames * window)
    for clip in clips {
      let samples = (0..<Self.rate).map { $0 < clip.count ? Double(clip[$0]) : 0 }
      for frame in 0..<frames {
        for place in 0..<window {
          // Centred frames: what lies outside is the signal reflected at its first or last sample.
          var at = frame * hop + place - window / 2
          if at < 0 { at = -at }
          if at >= Self.rate { at = 2 * (Self.rate - 1) - at }
          windowed.append(samples[at] * Self.hann[place])
        }
      }
    }
    // In float64: a float32 spectrum of a loud clip would not resolve the 10⁻⁶ beside it.
    let spectrum = try Tensor(windowed, shape: [clips.count * frames, window]).matmul(
      Tensor(Self.fourier, shape: [window, 2 * Self.bins]))
    let squares = try spectrum * spectrum
    let power = try squares.narrowed(1, from: 0, length: Self.bins) + squares.narrowed(1, from: Self.bins, length: Self.bins)
    var features = try (power.matmul(Tensor(Self.melBands, shape: [Self.bins, bands])) + 1e-6).logarithm()
    if self == .mfcc { features = try features.matmul(Tensor(Self.cosines, shape: [bands, bands])) }
    return try features.reshaped([clips.count, frames, bands]).permuted([0, 2, 1]).contiguous().cast(to: .float32).array()
  }

  private static let bins = window / 2 + 1

  /// Hann's window, periodic.
  private static let hann = (0..<window).map { 0.5 - 0.5 * cos(2 * .pi * Double($0) / Double(window)) }

  /// Real and imaginary parts of the discrete Fourier transform, [window, 2·bins].
  private static let fourier: [Double] = (0..<window).flatMap { time in
    [{ (x: Double) in cos(x) }, { (x: Double) in sin(x) }].flatMap { wave in
      // The product is reduced before it is multiplied, so that the angle is exact.
      (0..<bins).map { wave(2 * .pi * Double(time * $0 % window) / Double(window)) }
    }
  }

  /// Triangles that are equally wide on the mel scale 2595·log₁₀(1 + f/700), [bins, bands].
  private static let melBands: [Double] = {
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    func hertz(_ mel: Double) -> Double { 700 * (pow(10, mel / 2595) - 1) }
    let top = Double(rate / 2)
    let corners = (0..<(bands + 2)).map { hertz(mel(top) * Double($0) / Double(bands + 1)) }
    return (0..<bins).flatMap { bin in
      let frequency = top * Double(bin) / Double(bins - 1)
      return (0..<bands).map { band in
        let rising = (frequency - corners[band]) / (corners[band + 1] - corners[band])
        let falling = (corners[band + 2] - frequency) / (corners[band + 2] - corners[band + 1])
        return max(0, min(rising, falling))
      }
    }
  }()

  /// The orthonormal DCT-II, [bands, bands].
  private static let cosines: [Double] = (0..<bands).flatMap { band in
    (0..<bands).map { k in
      let scale = (2 / Double(bands)).squareRoot() * (k == 0 ? 0.5.squareRoot() : 1)
      return scale * cos(.pi / Double(bands) * (Double(band) + 0.5) * Double(k))
    }
  }
}

import Foundation
import Testing
import TestSupport
import Torch

@testable import Datasets

/// WAVE files, features of speech, and data sets of clips.
@Suite struct SpeechTests {
  private func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  private func wav(
    _ data: [UInt8], code: Int = 1, channels: Int = 1, rate: Int = 16_000, bits: Int = 16, claims: Int? = nil, before: [UInt8] = []
  ) -> [UInt8] {
    let format =
      little(code, 2) + little(channels, 2) + little(rate, 4) + little(rate * channels * bits / 8, 4)
      + little(channels * bits / 8, 2) + little(bits, 2)
    return Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + format + before + Array("data".utf8)
      + little(claims ?? data.count, 4) + data
  }

  private func read(_ bytes: [UInt8]) throws -> WAV {
    let folder = try TemporaryFolder()
    return try WAV(folder.write("clip.wav", bytes))
  }

  private func problem(_ bytes: [UInt8]) -> String {
    let text = message { _ = try read(bytes) }
    return text.range(of: "clip.wav: ").map { String(text[$0.upperBound...]) } ?? text
  }

  @Test func samplesOfEachFormat() throws {
    let values = [0, 16_384, -32_768, 32_767]
    #expect(try read(wav(values.flatMap { little($0, 2) })).samples == [0, 0.5, -1, 32_767 / 32_768])
    #expect(try read(wav([128, 192, 0], bits: 8)).samples == [0, 0.5, -1])
    #expect(try read(wav(little(1 << 22, 3) + little(-(1 << 23), 3), bits: 24)).samples == [0.5, -1])
    #expect(try read(wav(little(-(1 << 30), 4), bits: 32)).samples == [-0.5])
    #expect(try read(wav(little(Int(Float(0.25).bitPattern), 4), code: 3, bits: 32)).samples == [0.25])
    // Two channels are averaged, and other chunks skipped, padded to two bytes.
    let stereo = wav(
      [16_384, 0, 0, 16_384].flatMap { little($0, 2) }, channels: 2, rate: 8000, before: Array("LIST".utf8) + little(3, 4) + [1, 2, 3, 0])
    #expect(try read(stereo).samples == [0.25, 0.25] && read(stereo).rate == 8000)
  }

  @Test func damagedClips() throws {
    #expect(problem([]) == "it is empty")
    #expect(problem(Array("RIFF1234AVI 5678".utf8)) == "it is not a WAVE file")
    #expect(problem(wav([1, 2, 3, 4], claims: 32_000)) == "it ends early: 4 of 32000 bytes of samples")
    #expect(problem(wav([])) == "it holds no samples")
    #expect(problem(wav([1, 2, 3])) == "it ends within a sample")
    #expect(problem(Array(wav([1, 2]).prefix(40))) == "it ends before its samples")
    #expect(problem(Array(wav([1, 2]).prefix(30))) == "it ends early")
    #expect(
      problem(wav([1, 2], code: 85)) == "samples of format 85, 16 bits, 1 channels: possible are PCM of 8 to 32 bits and float32")
    #expect(problem(wav([1, 2], channels: 0)).hasPrefix("samples of format 1, 16 bits, 0 channels"))
    #expect(problem(wav(little(0x7FC0_0000, 4), code: 3, bits: 32)) == "a sample is nan")
  }

  /// Within a ten thousandth of the largest feature of torchaudio's (Tests/Reference/speech.py).
  @Test(arguments: [SpeechFeatures.logMel, .mfcc]) func featuresAreTorchaudios(features: SpeechFeatures) throws {
    let golden = try JSONDecoder().decode([String: Data].self, from: Data(contentsOf: reference("speech.json")))
    let clip = try read(wav([UInt8](try #require(golden["samples"])))).samples
    #expect(clip.count == 8000)
    let expected = try #require(golden[features.rawValue]).withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) }
    }
    // Of two clips, so that they are not mixed up.
    let found = try features.of([[0.5], clip])
    #expect(found.count == 2 * 4040 && expected.count == 4040)
    let largest = expected.map(abs).max() ?? 0
    let difference = zip(found.dropFirst(4040), expected).map { abs($0 - $1) }.max() ?? 1
    #expect(difference <= 1e-4 * largest, "\(difference) of \(largest)")
  }

  /// By Python: `int(hashlib.sha1(b"…").hexdigest(), 16) % 2**27 * (100 / (2**27 - 1))`.
  @Test func speakersAreDividedByTheirHash() {
    let parts = ["00000001", "00000007", "00000018", "0000001c"].map { ClipSplit.part(ofSpeaker: "\($0)_nohash_3.wav") }
    #expect(parts == [.training, .validation, .test, .training])
    #expect(ClipSplit.part(ofSpeaker: "022cd682_nohash_0.wav") == ClipSplit.part(ofSpeaker: "022cd682_nohash_1.wav"))
  }

  @Test func aFolderOfClips() throws {
    let folder = try TemporaryFolder()
    func clip(_ value: Int) -> [UInt8] { wav((0..<400).flatMap { little(value * ($0 % 7 - 3), 2) }) }
    for index in 0..<4 {
      try folder.write("no/\(index).wav", clip(100 + index))
      try folder.write("yes/\(index).wav", clip(2000 + index))
    }
    try folder.write("_background_noise_/hum.wav", clip(1))
    try folder.write("testing_list.txt", Array("yes/1.wav\nno/0.wav\n".utf8))
    func load(_ kind: String, _ change: (inout OwnData.Request) -> Void = { _ in }) throws -> OwnData.Parts {
      var request = OwnData.Request()
      change(&request)
      let named = try #require(try OwnData.named("\(kind):\(folder.path)"))
      return try FeatureCache.$folder.withValue("\(folder.path)/.cache") { try named.load(request) }
    }
    let parts = try load("log-mel")
    let (training, test) = (try #require(parts.training), try #require(parts.test))
    #expect(training.classNames == ["no", "yes"] && training.labels == [0, 0, 0, 1, 1, 1] && test.labels == [0, 1])
    #expect(training.shape == [1, 40, 101] && training.elementType == .float32 && parts.validation == nil)
    #expect(try load("mfcc").training?.fingerprint != training.fingerprint)
    // From the cache, which the first look filled, the same to the last bit.
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/.cache").count == 4)
    #expect(try load("log-mel").training?.fingerprint == training.fingerprint)
    try folder.write("yes/9.wav", Array(clip(3).dropLast(5)))
    #expect(
      message { _ = try load("log-mel") }.hasSuffix(
        "yes/9.wav: it ends early: 795 of 800 bytes of samples; --skip-broken leaves broken clips out"))
    let some = try load("log-mel") { $0.skipsBroken = true }
    #expect(some.training?.count == 6 && some.notes.count == 1 && some.notes[0].hasPrefix("1 broken clip of 7 left out: "))
    try folder.write("yes/1.wav", [])
    #expect(message { _ = try load("log-mel") { $0.skipsBroken = true } } == "\(folder.path)/yes: all test clips of this class are broken")
    try folder.write("yes/1.wav", clip(2001))
    try folder.write("yes/9.wav", wav([0, 0], rate: 44_100))
    #expect(message { _ = try load("mfcc") }.contains("yes/9.wav: 44100 samples a second: 16000 are needed"))
    try folder.write("maybe/notes.txt", [1])
    #expect(message { _ = try load("mfcc") } == "\(folder.path)/maybe: there is no clip in this class folder (.wav)")
  }

  /// Ten words of a folder of more, and a tenth of their number of silence and of other words, in each part.
  @Test func twelveClasses() throws {
    let folder = try TemporaryFolder()
    func clip(_ value: Int, seconds: Int = 0) -> [UInt8] { wav((0..<(400 + 16_000 * seconds)).flatMap { little((value * $0) % 999, 2) }) }
    for (number, word) in (ClipList.commands + ["bed", "cat"]).enumerated() {
      for index in 0..<4 { try folder.write("\(word)/\(index).wav", clip(number * 10 + index)) }
    }
    try folder.write("testing_list.txt", Array((ClipList.commands + ["bed"]).map { "\($0)/3.wav" }.joined(separator: "\n").utf8))
    #expect(message { _ = try twelve(folder) } == "cannot read \(folder.path)/_background_noise_: No such file or directory")
    try folder.write("_background_noise_/hum.wav", clip(7, seconds: 2))
    let parts = try twelve(folder)
    let (training, test) = (try #require(parts.training), try #require(parts.test))
    #expect(training.classNames == ["_silence_", "_unknown_"] + ClipList.commands.sorted())
    #expect(training.classCounts == [3, 3] + Array(repeating: 3, count: 10) && test.classCounts == Array(repeating: 1, count: 12))
    // The same clips again, and three different seconds of silence.
    #expect(try twelve(folder).training?.fingerprint == training.fingerprint)
    #expect(try Set((0..<3).map { try training.features(at: $0) }).count == 3)
    // A folder that has the twelve is taken as it is.
    for word in ["_silence_", "_unknown_"] { try folder.write("\(word)/1.wav", clip(3)) }
    #expect(try twelve(folder).training?.classes == 14)
    try FileManager.default.removeItem(atPath: "\(folder.path)/_silence_")
    try FileManager.default.removeItem(atPath: "\(folder.path)/stop")
    #expect(message { _ = try twelve(folder) } == "\(folder.path): there is no folder stop")
  }

  private func twelve(_ folder: TemporaryFolder) throws -> OwnData.Parts {
    try FeatureCache.$folder.withValue("\(folder.path)/.cache") {
      try OwnData.Named(kind: .logMel12, path: folder.path).load(OwnData.Request())
    }
  }
}

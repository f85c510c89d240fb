internal import Crypto
internal import Files
internal import Foundation
internal import Interruptions
internal import Torch

extension OwnData {
  /// `log-mel:DIR`: a folder of WAVE clips for each class, each as 40 log-mel bands of 101 frames.
  static let logMel = clips(.logMel, "a folder of WAVE clips for each class, each as 40 × 101 log-mel features")
  /// `mfcc:DIR`: the same as 40 mel-frequency cepstral coefficients.
  static let mfcc = clips(.mfcc, "a folder of WAVE clips for each class, each as 40 × 101 MFCC features")
  /// Speech Commands' ten commands, with silence and other words.
  static let logMel12 = clips(.logMel, "ten commands, silence and unknown words as log-mel features", ClipList.commands)
  /// The ten commands, silence and other words, as MFCC features.
  static let mfcc12 = clips(.mfcc, "ten commands, silence and unknown words as MFCC features", ClipList.commands)

  /// Clips of a second at 16 kHz; shorter ones are filled with silence, longer ones cut.
  ///
  /// The parts are those of Speech Commands (P. Warden 2018, arXiv:1804.03209): what `testing_list.txt` and `validation_list.txt` name, or
  /// else, where names hold a speaker and `_nohash_`, by the speaker's hash, 10 % each. Without either all clips are the training part.
  /// Features are kept in the cache folder under the hash of clips and settings.
  private static func clips(_ features: SpeechFeatures, _ summary: String, _ words: [String]? = nil) -> OwnData {
    OwnData(prefix: features.rawValue, place: "DIR", summary: summary, files: .clips) { path, request in
      var path = path
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      let folder = try ClassFolder(path, within: path, of: .clips)
      let split = try ClipSplit(folder)
      let found = try words.map { try ClipList(folder, split, words: $0) } ?? ClipList(folder, split)
      let classes = request.classNames ?? found.classes
      let labels = try found.classes.map { name in
        guard let index = classes.firstIndex(of: name) else {
          throw DatasetError.badFile(path: "\(path)/\(name)", problem: "the network knows no such class")
        }
        return Int64(index)
      }
      var notes: [String] = []
      func part(_ part: ClipSplit.Part) throws -> ExampleSet? {
        let chosen = found.clips[part] ?? []
        guard !chosen.isEmpty else { return nil }
        let clips = try FeatureClips(chosen, features, request)
        if !clips.broken.isEmpty {
          notes.append(FileKind.clips.leftOut(clips.broken, of: chosen.count))
          request.note("\(path): \(notes[notes.count - 1])")
        }
        let left = Set(clips.kept.map { chosen[$0].label })
        if let lost = chosen.first(where: { !left.contains($0.label) }) {
          throw DatasetError.badFile(
            path: "\(path)/\(found.classes[lost.label])", problem: "all \(part.rawValue) clips of this class are broken")
        }
        return ExampleSet(
          storage: .floats(clips.storage), labels: clips.kept.map { labels[chosen[$0].label] }, shape: SpeechFeatures.shape,
          classNames: classes, name: "\(features.rawValue):\(path)")
      }
      if request.onlyTest {
        if let test = try part(.test) { return Parts(training: nil, test: test, notes: notes) }
        request.note("\(path) names no clips to test on: all of its clips are evaluated")
        return Parts(training: nil, test: try part(.training), notes: notes)
      }
      let (validation, test) = (try part(.validation), try part(.test))
      return Parts(training: try part(.training), validation: validation, test: test, notes: notes)
    }
  }
}

/// The clips of each part of a data set.
struct ClipList {
  /// A file, or a second of it.
  struct Clip {
    let path: String
    let label: Int
    /// Where the second begins, as a fraction of what is left of the file; nil for the whole file.
    var place: Double?
  }

  private(set) var classes: [String]
  private(set) var clips: [ClipSplit.Part: [Clip]]

  /// The ten commands of the task with twelve classes.
  static let commands = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]

  /// Takes every file for a clip of its folder's class.
  init(_ folder: ClassFolder, _ split: ClipSplit) {
    classes = folder.classes
    clips = Dictionary(grouping: folder.files.map { Clip(path: $0.path, label: $0.label) }) { split.part(of: $0.path) }
  }

  /// Takes the given words, and a tenth of their number in each part for `_silence_` and `_unknown_` each, as Speech Commands' authors do.
  ///
  /// Silence is seconds of `_background_noise_`, unknown words are clips of other words; which, follows from hashes and a fixed seed. A
  /// folder that has these two classes is taken as it is.
  /// - Throws: `DatasetError.badFile` if words, other words or noise are missing.
  init(_ folder: ClassFolder, _ split: ClipSplit, words: [String]) throws {
    self.init(folder, split)
    if classes.contains("_silence_"), classes.contains("_unknown_") { return }
    if let missing = words.first(where: { !classes.contains($0) }) {
      throw DatasetError.badFile(path: folder.path, problem: "there is no folder \(missing)")
    }
    let noise = try Folder.names(in: "\(folder.path)/_background_noise_").filter { $0.hasSuffix(".wav") }
    guard !noise.isEmpty else { throw DatasetError.badFile(path: "\(folder.path)/_background_noise_", problem: "there is no noise in it") }
    let names = ["_silence_", "_unknown_"] + words.sorted()
    let labels = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    for (number, part) in ClipSplit.Part.allCases.enumerated() {
      let all = clips[part] ?? []
      let known = all.compactMap { clip in labels[classes[clip.label]].map { Clip(path: clip.path, label: $0) } }
      func order(_ clip: Clip) -> String {
        Insecure.SHA1.hash(data: Data(clip.path.dropFirst(folder.path.count).utf8)).map { String(Int($0) + 256, radix: 16) }.joined()
      }
      let others = all.filter { labels[classes[$0.label]] == nil }.map { (order($0), $0) }.sorted { $0.0 < $1.0 }
      let count = (known.count + 9) / 10
      var generator = SeededGenerator(seed: 0, .general, UInt64(number))
      let silence = (0..<count).map { index in
        Clip(path: "\(folder.path)/_background_noise_/\(noise[index % noise.count])", label: 0, place: generator.nextUnit())
      }
      clips[part] = silence + others.prefix(count).map { Clip(path: $0.1.path, label: 1) } + known
    }
    classes = names
  }
}

/// Which part of the data set a clip belongs to.
struct ClipSplit {
  enum Part: String, CaseIterable { case training, validation, test }

  private let folder: String
  private let lists: (validation: Set<String>, test: Set<String>)?
  private let isHashed: Bool

  init(_ folder: ClassFolder) throws {
    self.folder = folder.path
    func list(_ name: String) throws -> Set<String>? {
      let path = "\(folder.path)/\(name)"
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      return Set(try RegularFile.text(path, limit: 1 << 26).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
    }
    let (validation, test) = (try list("validation_list.txt"), try list("testing_list.txt"))
    lists = validation == nil && test == nil ? nil : (validation ?? [], test ?? [])
    isHashed = folder.files.allSatisfy { $0.path.contains("_nohash_") }
  }

  func part(of path: String) -> Part {
    let name = String(path.dropFirst(folder.count + 1))
    if let lists { return lists.test.contains(name) ? .test : lists.validation.contains(name) ? .validation : .training }
    return isHashed ? Self.part(ofSpeaker: (path as NSString).lastPathComponent) : .training
  }

  /// The published split: SHA-1 of what comes before `_nohash_`, modulo 2²⁷, as per cent.
  static func part(ofSpeaker name: String) -> Part {
    let speaker = name.range(of: "_nohash_").map { String(name[..<$0.lowerBound]) } ?? name
    let last = Insecure.SHA1.hash(data: Data(speaker.utf8)).suffix(4).reduce(0) { $0 << 8 | Int($1) }
    let percent = Double(last % (1 << 27)) * (100 / Double((1 << 27) - 1))
    return percent < 10 ? .validation : percent < 20 ? .test : .training
  }
}

/// Features of clips, computed or from the cache.
private struct FeatureClips {
  let storage: ByteStorage
  let kept: [Int]
  let broken: [DatasetError]

  init(_ chosen: [ClipList.Clip], _ features: SpeechFeatures, _ request: OwnData.Request) throws {
    var (kept, broken): ([Int], [DatasetError]) = ([], [])
    var checksum = RunningChecksum()
    checksum.update("\(features.rawValue), 1")
    var reader = ClipReader()
    for (index, clip) in chosen.enumerated() {
      if index % 64 == 0 { try Interruption.check() }
      do {
        let samples = try reader.samples(of: clip)
        samples.withUnsafeBytes { checksum.update($0) }
        checksum.update(samples.count)
        kept.append(index)
      } catch DatasetError.badFile(let path, let problem) {
        guard request.skipsBroken else {
          throw DatasetError.badFile(path: path, problem: "\(problem); --skip-broken leaves broken clips out")
        }
        broken.append(.badFile(path: path, problem: problem))
      }
    }
    guard !kept.isEmpty else { throw DatasetError.badFile(path: chosen.first?.path ?? "", problem: "and all other clips are broken") }
    (self.kept, self.broken) = (kept, broken)
    let shape = [kept.count] + SpeechFeatures.shape.dropFirst()
    let cache = FeatureCache.folder + "/" + checksum.digits + ".safetensors"
    if let file = try? TensorArchiveFile(cache), let entry = file.entries["x"], entry.shape == shape, entry.elementType == .float32,
      entry.isPlain, file.entries.count == 1
    {
      storage = try ByteStorage(count: entry.byteCount, path: cache) { try file.fill(UnsafeMutableRawBufferPointer($0), from: "x", at: 0) }
      return
    }
    // Clips are read again: the samples of a large data set are four times its features, and need not be in memory at once.
    let size = SpeechFeatures.shape.reduce(4, *)
    storage = try ByteStorage(count: kept.count * size, path: chosen.first?.path ?? "") { buffer in
      for start in stride(from: 0, to: kept.count, by: 32) {
        try Interruption.check()
        let values = try features.of(kept[start..<min(start + 32, kept.count)].map { try reader.samples(of: chosen[$0]) })
        let target = UnsafeMutableRawBufferPointer(buffer)[(start * size)..<(start * size + values.count * 4)]
        values.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target).copyMemory(from: $0) }
      }
    }
    // A cache that cannot be written costs time, and nothing else.
    var archive = TensorArchive()
    archive.tensors["x"] = try storage.withBytes { try Tensor(bytes: UnsafeRawBufferPointer($0), shape: shape, type: .float32) }
    if (try? Folder.make(FeatureCache.folder)) != nil { try? archive.write(to: cache) }
  }
}

/// Reads clips of a second; long files, of which many are taken, once.
private struct ClipReader {
  private var files: [String: WAV] = [:]

  /// Returns the samples of a clip, at most a second of them.
  ///
  /// - Throws: `DatasetError.badFile` for a broken file, and for one of another rate.
  mutating func samples(of item: ClipList.Clip) throws -> [Float] {
    let clip = try files[item.path] ?? WAV(item.path)
    if item.place != nil { files[item.path] = clip }
    guard clip.rate == SpeechFeatures.rate else {
      throw DatasetError.badFile(path: item.path, problem: "\(clip.rate) samples a second: \(SpeechFeatures.rate) are needed")
    }
    let start = Int((item.place ?? 0) * Double(max(clip.samples.count - SpeechFeatures.rate, 0)))
    return Array(clip.samples.dropFirst(start).prefix(SpeechFeatures.rate))
  }
}

/// Where computed features are kept.
enum FeatureCache {
  /// The folder: `espalier/features` in `XDG_CACHE_HOME` or in `~/.cache`.
  @TaskLocal static var folder: String = {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(environment["HOME"] ?? NSHomeDirectory())/.cache"
    return "\(base)/espalier/features"
  }()
}

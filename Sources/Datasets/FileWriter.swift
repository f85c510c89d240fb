internal import Foundation
internal import Torch

/// A file being written, from its beginning or on from its end.
final class FileWriter {
  let path: String
  private let descriptor: Int32
  private(set) var count: Int

  /// Makes the file, and its folder where needed; what the file holds stays.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file or the folder can't be made.
  init(appendingTo path: String) throws {
    self.path = path
    let folder = (path as NSString).deletingLastPathComponent
    do {
      if !folder.isEmpty { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    } catch {
      throw DatasetError.badFile(path: folder, problem: "can't be made: \(error.localizedDescription)")
    }
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw DatasetError.badFile(path: path, problem: "can't be written: \(String(cString: strerror(errno)))")
    }
    count = Int(lseek(descriptor, 0, SEEK_END))
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw DatasetError.badFile(path: path, problem: "is being written by another process")
    }
  }

  deinit { close(descriptor) }

  /// Appends.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)``, e.g. on a full disk.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var written = 0
    while written < bytes.count {
      let piece = UnsafeRawBufferPointer(rebasing: bytes[written...])
      let result = Foundation.write(descriptor, piece.baseAddress, piece.count)
      if result < 0, errno == EINTR { continue }
      guard result > 0 else {
        throw DatasetError.badFile(path: path, problem: "can't be written: \(String(cString: strerror(errno)))")
      }
      written += result
      count += result
    }
  }

  /// Forgets all that was written.
  func restart() throws {
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw DatasetError.badFile(path: path, problem: "can't be written: \(String(cString: strerror(errno)))")
    }
    count = 0
  }

  /// Gives the file its lasting name, once its bytes are on the disk; replaces what had that name, whose permissions it takes over.
  func moved(to target: String) throws {
    var status = stat()
    if stat(target, &status) == 0 { AtomicFile.hand(status, on: descriptor) }
    guard fsync(descriptor) == 0, rename(path, target) == 0 else {
      throw DatasetError.badFile(path: target, problem: "can't be written: \(String(cString: strerror(errno)))")
    }
  }
}

extension ImageSet {
  /// SHA-256 over the examples as they were loaded: sizes, pixels and labels, in order, and the number of classes.
  ///
  /// Sets of one fingerprint are the same to learn from, whatever their files are called; one look at every byte.
  public var fingerprint: String {
    var checksum = RunningChecksum()
    for number in imageShape + [classes, count] { checksum.update(number) }
    storage.withBytes { bytes in
      for position in positions {
        let start = Int(position) * imageSize
        checksum.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<(start + imageSize)]))
      }
    }
    labels.withUnsafeBytes { checksum.update($0) }
    return checksum.digits
  }
}

extension ImageSet {
  /// SHA-256 of the examples as loaded: sizes, pixels and labels in order, and the number of classes.
  ///
  /// Sets with the same fingerprint are the same data, whatever their files are called. Computing it reads every byte once.
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

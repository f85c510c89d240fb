// The functions of Examples/ClassifyInC/espalier.h, by which programs in C and whatever calls C embed the runtime.

/// Reads a plan; the handle is released by ``espalier_close(_:)``.
///
/// - Parameters:
///   - path: the plan's file.
///   - threads: how many threads compute a call together.
///   - message: where the reason is written if there is one, cut to `size` bytes with the 0 at its end; may be null.
/// - Returns: null if the plan cannot be used.
@_cdecl("espalier_open")
public func espalier_open(
  _ path: UnsafePointer<CChar>, _ threads: UInt32, _ message: UnsafeMutablePointer<CChar>?, _ size: Int
) -> UnsafeMutableRawPointer? {
  do {
    return Unmanaged.passRetained(try CompiledModel(contentsOf: String(cString: path), threads: Int(threads))).toOpaque()
  } catch {
    tell(error, message, size)
    return nil
  }
}

/// Releases a handle; null is none.
@_cdecl("espalier_close")
public func espalier_close(_ handle: UnsafeMutableRawPointer?) {
  if let handle { Unmanaged<CompiledModel>.fromOpaque(handle).release() }
}

/// Returns the number of values of an example.
@_cdecl("espalier_input_count")
public func espalier_input_count(_ handle: UnsafeMutableRawPointer) -> Int { model(handle).plan.inputCount }

/// Returns the number of values of an example's first output.
@_cdecl("espalier_output_count")
public func espalier_output_count(_ handle: UnsafeMutableRawPointer) -> Int { model(handle).plan.outputCount }

/// Computes the first output of `count` examples; any threads may call at once.
///
/// - Returns: 0, or -1 with the reason in `message`.
@_cdecl("espalier_run")
public func espalier_run(
  _ handle: UnsafeMutableRawPointer, _ input: UnsafePointer<Float>, _ count: Int, _ output: UnsafeMutablePointer<Float>,
  _ message: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int32 {
  do {
    try model(handle).run(input, count: count, into: output)
    return 0
  } catch {
    tell(error, message, size)
    return -1
  }
}

/// Writes the input of an image's bytes, [channels][height][width], as the network was trained on.
@_cdecl("espalier_input_of_image")
public func espalier_input_of_image(_ handle: UnsafeMutableRawPointer, _ bytes: UnsafePointer<UInt8>, _ input: UnsafeMutablePointer<Float>)
{
  let model = model(handle)
  guard let values = try? model.input(of: Array(UnsafeBufferPointer(start: bytes, count: model.plan.inputCount))) else { return }
  input.update(from: values, count: values.count)
}

private func model(_ handle: UnsafeMutableRawPointer) -> CompiledModel { Unmanaged<CompiledModel>.fromOpaque(handle).takeUnretainedValue() }

private func tell(_ error: SparseRuntimeError, _ message: UnsafeMutablePointer<CChar>?, _ size: Int) {
  guard let message, size > 0 else { return }
  let text = error.description.utf8.prefix(size - 1)
  for (i, byte) in text.enumerated() { message[i] = CChar(bitPattern: byte) }
  message[text.count] = 0
}

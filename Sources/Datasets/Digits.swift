internal import Foundation

/// The test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak 1998, UCI Machine Learning Repository,
/// doi:10.24432/C50P49, licence CC BY 4.0): the 1,797 images of scikit-learn's `load_digits`, in the same order.
///
/// Images of 8×8 pixels, each the number of set pixels in a 4×4 block of a scan, 0…16. Changed here: a value v is stored as the byte
/// floor(v·255/16 + 0.5). The split is fixed, stratified with seed 0: 1,437 examples for training, 360 for the test.
enum Digits {
  static let count = 1797
  static let path = "digits (within the program)"

  /// Returns the values 0…16 of all images, and the labels.
  static func values() throws -> (pixels: [UInt8], labels: [UInt8]) {
    guard let packed = Data(base64Encoded: encoded) else { throw DatasetError.badFile(path: path, problem: "is not base64") }
    let columns = try Inflation.inflated([UInt8](packed), count: count * 65, path: path)
    // Stored pixel by pixel rather than image by image, which compresses a tenth better.
    let pixels = (0..<(count * 64)).map { columns[($0 % 64) * count + $0 / 64] }
    return (pixels, Array(columns[(64 * count)...]))
  }

  static func load(_ description: DatasetDescription) throws -> (train: ExampleSet, test: ExampleSet) {
    let (pixels, labels) = try values()
    let bytes = pixels.map { UInt8((Int($0) * 255 + 8) / 16) }
    let storage = try ByteStorage(count: bytes.count, path: path) { _ = $0.update(fromContentsOf: bytes) }
    let all = ExampleSet(storage: storage, labels: labels.map(Int64.init), description: description, part: .training)
    let (train, test) = try all.split(validation: description.testCount, seed: 0)
    return (train.labelled(as: .training, description), test.labelled(as: .test, description))
  }
}

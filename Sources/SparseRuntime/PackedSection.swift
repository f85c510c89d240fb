/// Some numbers of a packed plan.
///
/// A packed plan (``WeightForm``) has the numbers of its sections one after another, without the gaps between them, then the table of the
/// sections, and then the description of a plan that is not packed: it says where numbers lie once they are unpacked. A section of the table
/// is a list of 64-bit numbers: its kind, where its first number lies unpacked, and what the cases have in this order.
///
/// Whatever a section claims to hold has at least a byte of its own in the file for each value: what is unpacked is at most eight times as
/// long as the file.
enum PackedSection: Hashable {
  /// So many bytes as they are.
  case bytes(Int)
  /// All weights of a layer by outputs; for `int8` the scales of all outputs before them.
  case matrix(outputs: Int, columns: Int)
  /// The weights of a layer that are not 0, or the blocks in which there are any.
  case filters(PackedFilters)

  /// Unpacked, arrays begin at multiples of this.
  static let alignment = 64

  /// Returns the next multiple of the alignment.
  static func aligned(_ place: Int) -> Int { (place + alignment - 1) / alignment * alignment }

  /// Bytes in the file.
  func packedSize(_ form: WeightForm) -> Int {
    switch self {
    case .bytes(let count): count
    case .matrix(let outputs, let columns): (form == .int8 ? 4 * outputs : 0) + outputs * columns * form.valueSize
    case .filters(let filters): filters.packedSize(form)
    }
  }

  /// Where the unpacked numbers end that begin at a place.
  func end(at place: Int) -> Int {
    switch self {
    case .bytes(let count): place + count
    case .matrix(let outputs, let columns): place + 4 * outputs * columns
    case .filters(let filters): filters.layout(at: place).end
    }
  }

  /// The numbers of the table, all but the place.
  var numbers: (kind: Int, rest: [Int]) {
    switch self {
    case .bytes(let count): (0, [count])
    case .matrix(let outputs, let columns): (1, [outputs, columns])
    case .filters(let filters):
      (
        filters.isInBlocks ? 3 : 2,
        [
          filters.blocks, filters.outputs, filters.weights, filters.countBytes, filters.places.rawValue, filters.placeBytes, filters.plane,
          filters.taps, filters.end,
        ] + (filters.isInBlocks ? [filters.rows, filters.points] : [])
      )
    }
  }
}

/// The weights of a layer that are not 0, packed.
///
/// In the file come the bases of the blocks; the taps; how many weights each output of each block has; the places of all weights; for
/// `int8` the scales of all outputs; the values. A count is a byte, or 255 and four bytes.
///
/// Places are counted in *slots*: the places within a channel (of `plane` positions) that any weight of the layer reads are its taps, and
/// the slots of channel c are c·taps and the following. A convolution of 3×3 has nine slots a channel, however large its images are.
///
/// Of weights in blocks (``PlanBlocks``) each block counts as a weight and each group of `rows` outputs as an output: a block has one place,
/// and `points` values of each of its outputs. Scales are those of all outputs of all groups, also of those that do not exist in the last.
struct PackedFilters: Hashable {
  /// The ways to write places.
  enum Places: Int {
    /// As they are, two bytes each: without taps.
    case plain
    /// The slots between a weight and the one before it, or the block's first slot: a byte, or 255 and two bytes.
    case gaps
    /// A bit for each slot of each output of each block, the lowest bit of a byte first.
    case mask
  }
  var blocks: Int, outputs: Int, weights: Int
  var countBytes: Int
  var places: Places
  var placeBytes: Int
  /// Positions of a channel.
  var plane: Int
  /// Number of taps.
  var taps: Int
  /// The slot behind the last that a mask has.
  var end: Int
  /// Outputs and points of a block of weights; 1 and 1 for weights on their own.
  var rows = 1, points = 1

  /// Values at a place.
  var size: Int { rows * points }
  var isInBlocks: Bool { size > 1 }

  func packedSize(_ form: WeightForm) -> Int {
    4 * blocks + 4 * taps + countBytes + placeBytes + (form == .int8 ? 4 * outputs * rows : 0) + weights * size * form.valueSize
  }

  /// Where bases, starts, offsets and values lie unpacked: in the order in which a compiler writes them.
  func layout(at bases: Int) -> (starts: Int, offsets: Int, values: Int, end: Int) {
    let starts = PackedSection.aligned(bases + 4 * blocks)
    let offsets = PackedSection.aligned(starts + 4 * (blocks * outputs + 1))
    let values = PackedSection.aligned(offsets + 2 * weights)
    return (starts, offsets, values, values + 4 * weights * size)
  }
}

/// The slots of a layer's places.
struct PlaceSlots {
  let plane: Int
  /// Places within a channel, ascending.
  let taps: [Int]

  /// Returns the first slot at a position or behind it.
  func first(from position: Int) -> Int {
    var (low, high) = (0, taps.count)
    while low < high {
      let middle = (low + high) / 2
      if taps[middle] < position % plane { low = middle + 1 } else { high = middle }
    }
    return position / plane * taps.count + low
  }

  /// Returns the position of a slot.
  func position(of slot: Int) -> Int { slot / taps.count * plane + taps[slot % taps.count] }
}

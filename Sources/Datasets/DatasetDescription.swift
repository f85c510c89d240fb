/// What is known about a data set before any of its files is read: an entry of the catalogue ``Dataset/all``.
public struct DatasetDescription: Sendable, Equatable {
  /// Name on the command line, e.g. `cifar-10`.
  public let name: String
  /// Name in papers, e.g. `CIFAR-10`.
  public let title: String
  /// Names of the classes, in label order.
  public let classNames: [String]
  /// Channels of an image: 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// Height of an image in pixels.
  public let height: Int
  /// Width of an image in pixels.
  public let width: Int
  /// Published number of training examples; local files may hold fewer.
  public let trainingCount: Int
  /// Published number of test examples; local files may hold fewer.
  public let testCount: Int
  /// The terms under which the data are published, as far as their authors state any.
  public let licence: String
  /// The publication to cite.
  public let source: String
  /// Mean and deviation over the whole published training part (for `digits`, over both parts), as commonly used.
  public let normalization: Normalization
  /// The augmentation commonly used for training on it.
  public let augmentation: Augmentation
  /// How images and labels are stored.
  let format: Format
  /// Folders to search for the files, in order of preference: relative to the data directory, or absolute.
  let folders: [String]
  /// The files to fetch; empty for the embedded `digits`.
  public let downloads: [RemoteFile]

  /// The storage format of images and labels.
  enum Format: Sendable, Equatable {
    /// Embedded in the program.
    case embedded
    /// IDX files of images and labels, compressed by gzip or not, with the checksums of the published .gz files.
    case idx(training: IDXPair, test: IDXPair, transposed: Bool, firstLabel: Int)
    /// Records of CIFAR, with `labelBytes` labels, of which the last counts, and red, green and blue planes.
    case cifar(training: [LocalFile], test: [LocalFile], labelBytes: Int)
  }

  /// The image file and the label file of one part.
  struct IDXPair: Sendable, Equatable {
    let images: LocalFile
    let labels: LocalFile
  }

  /// A file of the data set's folder.
  struct LocalFile: Sendable, Equatable {
    /// Name of the file, without `.gz`.
    let name: String
    /// Digest of the file as the archive or download holds it (IDX: of the .gz); nil if none is published.
    let checksum: Checksum?
  }

  /// Number of classes.
  public var classes: Int { classNames.count }

  /// Published names of the files needed (IDX with `.gz`).
  var publishedNames: [String] {
    switch format {
    case .embedded: []
    case .idx(let training, let test, _, _): [training.images, training.labels, test.images, test.labels].map { $0.name + ".gz" }
    case .cifar(let training, let test, _): (training + test).map(\.name)
    }
  }

  /// The files needed, in the order of ``publishedNames``.
  var localFiles: [LocalFile] {
    switch format {
    case .embedded: []
    case .idx(let training, let test, _, _): [training.images, training.labels, test.images, test.labels]
    case .cifar(let training, let test, _): training + test
    }
  }

  /// Whether files may be stored compressed.
  var isCompressible: Bool { if case .idx = format { true } else { false } }
}

/// A file to fetch.
public struct RemoteFile: Sendable, Equatable {
  /// The authors' address, or the mirror that they or common practice name.
  public let url: String
  /// Size in bytes, if known.
  public let size: Int?
  /// Digest published by the authors, or else by torchvision.
  public let checksum: Checksum
  /// Members to extract if the file is an archive, as `folder/file`, each written to the data set's folder; empty if the file itself is
  /// data.
  public let members: [String]

  /// Last component of the address.
  public var name: String { url.split(separator: "/").last.map(String.init) ?? url }
  /// Whether members are extracted from the file after it is fetched.
  public var isArchive: Bool { !members.isEmpty }
}

/// What is known of a data set before any of its files is read: an entry of the catalogue ``Dataset/all``.
public struct DatasetDescription: Sendable, Equatable {
  /// As the command line writes it, e.g. `cifar-10`.
  public let name: String
  /// As papers write it, e.g. `CIFAR-10`.
  public let title: String
  /// The classes' names, in label order.
  public let classNames: [String]
  /// 1 for grey, 3 for red, green, blue.
  public let channels: Int
  /// Pixels.
  public let height: Int
  /// Pixels.
  public let width: Int
  /// The published number of training examples; the files at hand may hold fewer.
  public let trainingCount: Int
  /// The published number of test examples.
  public let testCount: Int
  /// Under which terms the data are published, as far as their authors say.
  public let licence: String
  /// Whom to cite.
  public let source: String
  /// The mean and deviation over the whole published training part (for `digits`: over all of it) that the field uses.
  public let normalization: Normalization
  /// What is usual in training on it.
  public let augmentation: Augmentation
  /// How it is stored.
  let format: Format
  /// Where to look for the files, best first: relative to the data directory, or absolute.
  let folders: [String]
  /// What to fetch; empty for `digits`.
  public let downloads: [RemoteFile]

  /// How images and labels are stored.
  enum Format: Sendable, Equatable {
    /// Within the program.
    case embedded
    /// IDX files of images and labels, .gz or not, with the published .gz files' checksums.
    case idx(training: IDXPair, test: IDXPair, transposed: Bool, firstLabel: Int)
    /// CIFAR's records of `labelBytes` labels and red, green, blue planes; the last label counts.
    case cifar(training: [LocalFile], test: [LocalFile], labelBytes: Int)
  }

  /// A part's file of images and file of labels.
  struct IDXPair: Sendable, Equatable {
    let images: LocalFile
    let labels: LocalFile
  }

  /// A file as it lies in the data set's folder.
  struct LocalFile: Sendable, Equatable {
    /// Without `.gz`.
    let name: String
    /// Of the file as the archive or download holds it (IDX: of the .gz); nil where none is known.
    let checksum: Checksum?
  }

  /// The number of classes.
  public var classes: Int { classNames.count }

  /// The files needed, as they are published (IDX with `.gz`).
  var publishedNames: [String] {
    switch format {
    case .embedded: []
    case .idx(let training, let test, _, _): [training.images, training.labels, test.images, test.labels].map { $0.name + ".gz" }
    case .cifar(let training, let test, _): (training + test).map(\.name)
    }
  }

  /// The files needed, in ``publishedNames``' order.
  var localFiles: [LocalFile] {
    switch format {
    case .embedded: []
    case .idx(let training, let test, _, _): [training.images, training.labels, test.images, test.labels]
    case .cifar(let training, let test, _): training + test
    }
  }

  /// Whether files may lie compressed.
  var isCompressible: Bool { if case .idx = format { true } else { false } }
}

/// A file to fetch.
public struct RemoteFile: Sendable, Equatable {
  /// The authors' address, or the mirror that they or the field name.
  public let url: String
  /// Bytes, where known.
  public let size: Int?
  /// What the authors, or else torchvision's maintainers, publish.
  public let checksum: Checksum
  /// For an archive: the members to take out, `folder/file`, each put under the data set's folder. Empty: the file itself is data.
  public let members: [String]

  /// The last part of the address.
  public var name: String { url.split(separator: "/").last.map(String.init) ?? url }
  /// Whether the file is taken apart after fetching.
  public var isArchive: Bool { !members.isEmpty }
}

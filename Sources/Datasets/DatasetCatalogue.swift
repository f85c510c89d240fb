// The entries of `Dataset.all`. Published MD5s: those of MNIST, Fashion-MNIST, KMNIST and EMNIST are taken from torchvision, those of
// CIFAR from its page (for the members of CIFAR-10's archive, from the archive itself).
enum DatasetCatalogue {
  static let entries: [DatasetDescription] =
    [digits, mnist, fashionMNIST, kmnist]
    + ["balanced", "byclass", "bymerge", "digits", "letters", "mnist"].map(emnist) + [cifar10, cifar100]

  private static let decimals = (0...9).map(String.init)

  private static let digits = DatasetDescription(
    name: "digits", title: "UCI optical recognition of handwritten digits, test part", classNames: decimals, channels: 1, height: 8,
    width: 8, trainingCount: 1437, testCount: 360, licence: "CC BY 4.0",
    source: "E. Alpaydin, C. Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49",
    normalization: Normalization(mean: [0.3053], deviation: [0.3759]), augmentation: .none, format: .embedded, folders: [],
    downloads: [])

  private static let mnist = idx(
    name: "mnist", title: "MNIST", classNames: decimals, licence: "CC BY-SA 3.0",
    source: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998)", mean: 0.1307, deviation: 0.3081, folders: ["mnist", "MNIST/raw"],
    address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    files: [
      ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422), ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
      ("9fb629c4189551a2d022fa330f9573f3", 1_648_877), ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ])

  private static let fashionMNIST = idx(
    name: "fashion-mnist", title: "Fashion-MNIST",
    classNames: ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"],
    licence: "MIT", source: "H. Xiao, K. Rasul, R. Vollgraf (2017), arXiv:1708.07747", mean: 0.2860, deviation: 0.3530,
    // The last one is where Debian's package dataset-fashion-mnist installs it.
    folders: ["fashion-mnist", "FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"],
    address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    files: [
      ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880), ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
      ("bef4ecab320f06d8554ea6380940ec79", 4_422_102), ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ])

  private static let kmnist = idx(
    name: "kmnist", title: "Kuzushiji-MNIST", classNames: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    licence: "CC BY-SA 4.0", source: "CODH, doi:10.20676/00000341; T. Clanuwat et al. (2018), arXiv:1812.01718", mean: 0.1918,
    deviation: 0.3483, folders: ["kmnist", "KMNIST/raw"], address: "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    files: [
      ("bdb82020997e1d708af4cf47b453dcf7", nil), ("e144d726b3acfaa3e44228e80efcd344", nil),
      ("5c965bf0a639b31b8f53240b1b52f4d7", 3_041_136), ("7320c461ea6c1c855c0b718fb2a4b134", 5_120),
    ])

  private static func idx(
    name: String, title: String, classNames: [String], licence: String, source: String, mean: Float, deviation: Float,
    folders: [String], address: String, files: [(md5: String, size: Int?)]
  ) -> DatasetDescription {
    let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    let local = zip(names, files).map { DatasetDescription.LocalFile(name: $0, checksum: .md5($1.md5)) }
    return DatasetDescription(
      name: name, title: title, classNames: classNames, channels: 1, height: 28, width: 28, trainingCount: 60_000, testCount: 10_000,
      licence: licence, source: source, normalization: Normalization(mean: [mean], deviation: [deviation]), augmentation: .none,
      format: .idx(
        training: .init(images: local[0], labels: local[1]), test: .init(images: local[2], labels: local[3]), transposed: false,
        firstLabel: 0), folders: folders,
      downloads: zip(names, files).map {
        RemoteFile(url: address + $0 + ".gz", size: $1.size, checksum: .md5($1.md5), members: [])
      })
  }

  private static func emnist(_ split: String) -> DatasetDescription {
    let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map(String.init)
    let small = capitals.map { $0.lowercased() }
    // ByMerge and Balanced merge the small letters that look like capitals (Cohen et al. 2017, §II-C).
    let merged = decimals + capitals + ["a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t"]
    let (classNames, training, test, mean, deviation): ([String], Int, Int, Float, Float) =
      switch split {
      case "byclass": (decimals + capitals + small, 697_932, 116_323, 0.1736, 0.3317)
      case "bymerge": (merged, 697_932, 116_323, 0.1736, 0.3317)
      case "balanced": (merged, 112_800, 18_800, 0.1751, 0.3332)
      case "letters": (capitals, 124_800, 20_800, 0.1722, 0.3309)
      case "digits": (decimals, 240_000, 40_000, 0.1733, 0.3317)
      default: (decimals, 60_000, 10_000, 0.1733, 0.3317)
      }
    func pair(_ part: String) -> DatasetDescription.IDXPair {
      .init(
        images: .init(name: "emnist-\(split)-\(part)-images-idx3-ubyte", checksum: nil),
        labels: .init(name: "emnist-\(split)-\(part)-labels-idx1-ubyte", checksum: nil))
    }
    let (trainingPair, testPair) = (pair("train"), pair("test"))
    let members = [trainingPair.images, trainingPair.labels, testPair.images, testPair.labels].map { "gzip/\($0.name).gz" }
    return DatasetDescription(
      name: "emnist-\(split)", title: "EMNIST \(split)", classNames: classNames, channels: 1, height: 28, width: 28,
      trainingCount: training, testCount: test, licence: "public domain (NIST Special Database 19)",
      source: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik (2017), arXiv:1702.05373",
      normalization: Normalization(mean: [mean], deviation: [deviation]), augmentation: .none,
      format: .idx(training: trainingPair, test: testPair, transposed: true, firstLabel: split == "letters" ? 1 : 0),
      folders: ["emnist", "emnist/gzip", "EMNIST/raw"],
      downloads: [
        RemoteFile(
          url: "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", size: 561_753_746,
          checksum: .md5("58c8d27c78d21e728a6bc7b3cc06412e"),
          members: members)
      ])
  }

  private static let cifar10 = cifar(
    name: "cifar-10", title: "CIFAR-10",
    classNames: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    normalization: Normalization(mean: [0.4914, 0.4822, 0.4465], deviation: [0.2470, 0.2435, 0.2616]), folder: "cifar-10-batches-bin",
    labelBytes: 1,
    training: [
      ("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"), ("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
      ("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"), ("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
      ("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
    ], test: ("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"), archive: "cifar-10-binary.tar.gz",
    md5: "c32a1d4ab5d03f1284b67883e8d87530", size: 170_052_171)

  private static let cifar100 = cifar(
    name: "cifar-100", title: "CIFAR-100", classNames: CIFAR.fineClassNames,
    normalization: Normalization(mean: [0.5071, 0.4865, 0.4409], deviation: [0.2673, 0.2564, 0.2762]), folder: "cifar-100-binary",
    labelBytes: 2, training: [("train.bin", nil)], test: ("test.bin", nil), archive: "cifar-100-binary.tar.gz",
    md5: "03b5dce01913d631647c71ecec9e9cb8", size: 168_513_733)

  private static func cifar(
    name: String, title: String, classNames: [String], normalization: Normalization, folder: String, labelBytes: Int,
    training: [(String, String?)], test: (String, String?), archive: String, md5: String, size: Int
  ) -> DatasetDescription {
    func local(_ file: (String, String?)) -> DatasetDescription.LocalFile { .init(name: file.0, checksum: file.1.map(Checksum.md5)) }
    return DatasetDescription(
      name: name, title: title, classNames: classNames, channels: 3, height: 32, width: 32, trainingCount: 50_000, testCount: 10_000,
      licence: "none stated; cite the report", source: "A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
      normalization: normalization, augmentation: .cropAndFlip,
      format: .cifar(training: training.map(local), test: [local(test)], labelBytes: labelBytes), folders: [folder],
      downloads: [
        RemoteFile(
          url: "https://www.cs.toronto.edu/~kriz/\(archive)", size: size, checksum: .md5(md5),
          members: (training + [test]).map { "\(folder)/\($0.0)" })
      ])
  }
}

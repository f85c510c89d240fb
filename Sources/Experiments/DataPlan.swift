public import Datasets
internal import Foundation
public import Training

/// Which data a run uses; together with the files it determines every batch.
public struct DataPlan: Codable, Hashable, Sendable {
  /// A name of the data sets' catalogue.
  public var dataset: String
  /// Where the files lie; nil for the default place. Not part of what is computed, and so not of recipes.
  public var directory: String?
  /// So many training examples, drawn in proportion to their classes; nil for all.
  public var subset: Int?
  /// Examples held out of training for choices; nil for a tenth (a quarter of a subset, beside it).
  public var validation: Int?
  /// Determines the draws.
  public var seed: UInt64

  /// A plan of these parts.
  public init(dataset: String, directory: String? = nil, subset: Int? = nil, validation: Int? = nil, seed: UInt64 = 0) {
    self.dataset = dataset
    self.directory = directory
    self.subset = subset
    self.validation = validation
    self.seed = seed
  }

  private enum CodingKeys: String, CodingKey { case dataset, subset, validation, seed }
}

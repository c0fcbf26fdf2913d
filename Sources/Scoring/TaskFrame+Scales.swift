package import Datasets
package import GRUCore
package import Interchange

extension TaskFrame {
  /// How the data's numbers go into a model of `shape`.
  package func scales(of shape: ModelShape, path: String) throws -> DataScales {
    var scales = DataScales()
    if let means, let deviations {
      guard means.count == columns.count, deviations.count == columns.count,
        columns.count == shape.embeddingSize
      else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(means.count) means and \(deviations.count) deviations of "
            + "\(columns.count) columns, and the model reads \(shape.embeddingSize)")
      }
      scales.inputs = DataScales.Columns(means: means, deviations: deviations)
    }
    if targets != nil {
      let places = try targetPlaces(path: path)
      guard !places.isEmpty, shape.vocabularySize.isMultiple(of: places.count) else {
        throw DataFileError(
          path: path, place: nil,
          problem: "\(places.count) columns to forecast, and the model has "
            + "\(shape.vocabularySize) outputs")
      }
      scales.forecast = places
    }
    return scales
  }
}

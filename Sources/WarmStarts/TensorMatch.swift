import GRUCore

/// Where the values of one tensor of a new model come from.
struct TensorMatch {
  enum Origin: Equatable {
    /// They are the first ones of any run.
    case new
    /// All of a tensor of the source.
    case whole(String)
    /// Rows of a tensor of the source, by row; -1 is a new one.
    case rows(String, [Int32])
    /// The same of columns.
    case columns(String, [Int32])
  }

  let parameter: Parameter
  let origin: Origin

  /// Values that are taken of the source.
  var takenCount: Int {
    switch origin {
    case .new: 0
    case .whole: parameter.count
    case .rows(_, let places): takenCount(of: places)
    case .columns(_, let places): takenCount(of: places)
    }
  }

  private func takenCount(of places: [Int32]) -> Int {
    places.count { $0 >= 0 } * (parameter.count / max(1, places.count))
  }

  /// Copies what is taken from an arena of the source into one of the new model.
  func copy(
    from source: UnsafePointer<Float>, _ table: ParameterTable,
    to arena: UnsafeMutablePointer<Float>
  ) {
    let target = unsafe arena + parameter.offset
    switch origin {
    case .new: break
    case .whole(let name):
      let tensor = table[name]
      precondition(
        tensor.count == parameter.count, "\(name): \(tensor.shape) != \(parameter.shape)")
      unsafe target.update(from: source + tensor.offset, count: tensor.count)
    case .rows(let name, let places):
      let tensor = table[name]
      let width = parameter.count / max(1, places.count)
      for (row, place) in places.enumerated() where place >= 0 {
        unsafe (target + row * width)
          .update(from: source + tensor.offset + Int(place) * width, count: width)
      }
    case .columns(let name, let places):
      let tensor = table[name]
      let (wide, width) = (tensor.shape[1], places.count)
      for row in 0..<parameter.shape[0] {
        for (column, place) in places.enumerated() where place >= 0 {
          unsafe target[row * width + column] =
            source[tensor.offset + row * wide + Int(place)]
        }
      }
    }
  }
}

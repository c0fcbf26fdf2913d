/// A graph of ONNX in the making: what is added in any order stands in that of `GraphProto` in the
/// end, nodes, name, initializers, inputs, outputs.
struct ONNXGraph {
  private let name: String
  private var nodes = ProtobufWriter()
  private var initializers = ProtobufWriter()
  private var inputs = ProtobufWriter()
  private var outputs = ProtobufWriter()

  init(name: String) { self.name = name }

  /// The numbers that `TensorProto.DataType` gives to types.
  enum ElementKind: Int {
    case float = 1
    case int32 = 6
    case int64 = 7
    case double = 11
  }

  enum Attribute {
    case integer(Int)
    case integers([Int])
    case string(String)
  }

  enum Dimension {
    case fixed(Int)
    case open(String)
  }

  /// Writes the graph's fields.
  func write(to graph: inout ProtobufWriter) {
    graph.append(nodes)
    graph.string(2, name)
    graph.append(initializers)
    graph.append(inputs)
    graph.append(outputs)
  }

  mutating func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: [(name: String, value: Attribute)] = []
  ) {
    nodes.message(1) { node in
      for input in inputs { node.string(1, input) }
      for output in outputs { node.string(2, output) }
      node.string(3, "\(operation) \(outputs[0])")
      node.string(4, operation)
      for (name, value) in attributes { Self.attribute(&node, name, value) }
    }
  }

  private static func attribute(_ node: inout ProtobufWriter, _ name: String, _ value: Attribute) {
    node.message(5) { attribute in
      attribute.string(1, name)
      switch value {
      case .integer(let value):
        attribute.integer(3, value)
        attribute.integer(20, 2)
      case .integers(let values):
        attribute.packedIntegers(8, values)
        attribute.integer(20, 7)
      case .string(let value):
        attribute.string(4, value)
        attribute.integer(20, 3)
      }
    }
  }

  /// A node that turns numbers into those of another type.
  mutating func cast(_ input: String, to kind: ElementKind, _ output: String) {
    node("Cast", [input], [output], [("to", .integer(kind.rawValue))])
  }

  // MARK: - Initializers

  mutating func tensor(_ name: String, _ shape: [Int], _ values: [Float]) {
    precondition(
      values.count == shape.reduce(1, *), "\(name): \(values.count) values, shape \(shape)")
    initializer(name, shape, .float) { $0.floatBytes(9, values) }
  }

  mutating func doubles(_ name: String, _ values: [Double]) {
    initializer(name, [values.count], .double) { $0.doubleBytes(9, values) }
  }

  mutating func integers(_ name: String, _ values: [Int]) {
    initializer(name, [values.count], .int64) { $0.integerBytes(9, values) }
  }

  /// 32-bit integers, or with an empty `shape` one without a dimension.
  mutating func shortIntegers(_ name: String, _ shape: [Int], _ values: [Int32]) {
    initializer(name, shape, .int32) { $0.packedIntegers(5, values.map { Int($0) }) }
  }

  private mutating func initializer(
    _ name: String, _ shape: [Int], _ kind: ElementKind, data: (inout ProtobufWriter) -> Void
  ) {
    initializers.message(5) { tensor in
      tensor.packedIntegers(1, shape)
      tensor.integer(2, kind.rawValue)
      // Fields stand in ascending order.
      if kind == .int32 { data(&tensor) }
      tensor.string(8, name)
      if kind != .int32 { data(&tensor) }
    }
  }

  // MARK: - Inputs and outputs

  mutating func input(_ name: String, _ kind: ElementKind, _ dimensions: [Dimension]) {
    Self.value(&inputs, 11, name, kind, dimensions)
  }

  mutating func output(_ name: String, _ kind: ElementKind, _ dimensions: [Dimension]) {
    Self.value(&outputs, 12, name, kind, dimensions)
  }

  private static func value(
    _ graph: inout ProtobufWriter, _ field: Int, _ name: String, _ kind: ElementKind,
    _ dimensions: [Dimension]
  ) {
    graph.message(field) { value in
      value.string(1, name)
      value.message(2) { type in
        type.message(1) { tensor in
          tensor.integer(1, kind.rawValue)
          tensor.message(2) { shape in
            for dimension in dimensions {
              shape.message(1) {
                switch dimension {
                case .fixed(let count): $0.integer(1, count)
                case .open(let name): $0.string(2, name)
                }
              }
            }
          }
        }
      }
    }
  }
}

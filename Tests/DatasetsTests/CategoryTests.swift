import Batches
import Datasets
import Records
import Tables
import Tasks
import Testing

/// Columns of categories, which go in as rows of an embedding.
@Suite struct CategoryTests {
  private let table = """
    sequence,city,code,x,label
    a,oslo,7,1,u
    a,bern,07,2,u
    b,,7,3,v
    b,oslo,9,4,v
    """

  private func request(_ folder: DataFolder) -> SequenceRequest {
    var request = folder.request(.classification)
    request.task.categories = 2
    request.categoryColumns = ["city", "code"]
    request.columns = ["x"]
    return request
  }

  @Test func everyCategoryOfTrainingHasARowOfItsOwn() throws {
    let folder = try DataFolder("a.csv", table)
    let data = try SequenceData(request(folder))
    let categories = try #require(data.frame?.categories)
    #expect(categories.columns.map(\.name) == ["city", "code"])
    #expect(categories.columns[0].categories == ["bern", "oslo"])
    // Codes are texts.
    #expect(categories.columns[1].categories == ["07", "7", "9"])
    #expect(categories.rowCount == 3 + 4)
    #expect(categories.size == 4)
    #expect(data.features == 1)
    let said = data.line("categories")
    #expect(said.contains("\"city\" 2 (empty or not known in 1 + 0 steps), \"code\" 3"), "\(said)")
    let frame = try #require(data.frame)
    #expect(try TaskFrame(json: JSONFields(frame.json)) == frame)
  }

  @Test func categoriesThatTrainingLacksShareTheFirstRow() throws {
    let folder = try DataFolder("a.csv", table)
    let frame = try #require(try SequenceData(request(folder)).frame)
    let other = try DataFolder(
      "b.csv", "sequence,code,city,x,label\na,9,lima,1,u\na,5,oslo,2,u\n")
    var table = try DataFile(path: other.path).sequences(request(other))
    let set = try table.taken(by: frame, path: other.path)
    #expect(set.categoryCount == 2)
    #expect(set.categories.array == [0, 6, 2, 3])
  }

  @Test func otherFilesHaveNone() throws {
    let lines = try DataFolder("a.jsonl", #"{"values": [1, 2], "label": "u"}"#)
    #expect(SequenceData.complaint(request(lines)).contains("data.categories has no effect"))
    let folder = try DataFolder("a.csv", table)
    var both = request(folder)
    both.columns = ["x", "code"]
    #expect(SequenceData.complaint(both).contains("is read as numbers and as categories"))
    both.columns = ["x"]
    both.categoryColumns = ["town", "code"]
    #expect(SequenceData.complaint(both).contains("there is no column \"town\""))
  }
}

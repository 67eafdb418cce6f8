-- loses: lsh_index, lsh_documents, lsh_bands, lsh_comparisons
DROP TABLE lsh_comparisons;
DROP TABLE lsh_bands;
DROP TABLE lsh_documents;
DROP TABLE lsh_index;

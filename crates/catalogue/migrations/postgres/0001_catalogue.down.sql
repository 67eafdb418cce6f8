-- loses: stages, build_files, builds, duplicates, files, contents, segments, repositories, catalogue
DROP TABLE stages;
DROP TABLE build_files;
DROP TABLE builds;
DROP TABLE duplicates;
DROP TABLE files;
DROP TABLE contents;
DROP TABLE segments;
DROP TABLE repositories;
DROP TABLE catalogue;

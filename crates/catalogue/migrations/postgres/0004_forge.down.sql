-- loses: hosted_repositories, repository_names, crawls, crawl_slices, crawl_repositories
DROP TABLE crawl_repositories;
DROP TABLE crawl_slices;
DROP TABLE crawls;
DROP TABLE repository_names;
DROP TABLE hosted_repositories;

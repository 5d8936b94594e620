  return path;
}

